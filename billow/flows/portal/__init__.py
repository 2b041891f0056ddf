"""Let customers serve themselves: configurations and sessions of the billing portal, customer sessions."""
