"""The camera over HTTP.

server        connections and their limits;  access: who may;  pages: what is at which address
broadcast     newest shot -> JPEG, encoded once for all viewers
prometheus    /metrics;  the page itself lies beside these modules
"""
