"""The version, alone in a module without imports so that building needs none of the dependencies."""

VERSION = "0.1.0"
