"""What clients of this machine's own programs are told, which speak plain HTTP."""

import ssl

# It trusts nobody: to load the authorities of the world takes longer than most calls here.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
