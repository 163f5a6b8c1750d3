"""``python -m mcmscope``."""

from mcmscope.cli import main

if __name__ == "__main__":
    main()
