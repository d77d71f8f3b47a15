"""Simulated payment channels: WeChat Pay (parking, partner mode) and Alipay, as their published rules say, over HTTP.

They take no money. They verify signatures over what was sent, refuse what the real ones refuse, answer that a charge is
accepted and tell what became of it later, and misbehave by a seed (`mischief`). What they know is the truth that a test
compares with (`control`).
"""
