"""Who and where: operators, car parks, zones, spaces, lanes, signs, devices and keys. The one source of all of them."""
