"""A standing attack: small files and requests, damaged by chance and by design, against the commands of users.

`python -m tests.attack --minutes 10` goes on for as long as it is told to; test_attack tries a hundred of each kind. A
case is made from the seed, the kind and its number alone, so that what was found can be found again.
"""
