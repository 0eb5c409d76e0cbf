"""`python -m jaxlike script.py args...`: run a program for which jaxlike is ``jax``."""

from jaxlike._src.launch import main

main()
