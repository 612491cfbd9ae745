"""The commands of mmfkd: ``python -m mmfkd COMMAND``."""

from mmfkd.cli import main

if __name__ == '__main__':
    main()
