"""The camera over HTTP: connections and their limits, who may watch, what is at which address, JPEGs and metrics.

The page itself lies beside these modules.
"""
