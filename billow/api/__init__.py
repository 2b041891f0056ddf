"""The grammar that all resources share: how a declaration becomes an endpoint."""
