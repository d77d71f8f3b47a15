"""The gateway's HTTP edge: refused messages, signed pushes, cameras that speak HTTP."""
