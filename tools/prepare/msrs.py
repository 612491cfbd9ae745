"""``mmfkd prepare msrs`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'msrs', *sys.argv[1:]]))
