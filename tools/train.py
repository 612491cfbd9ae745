"""``mmfkd train`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['train', *sys.argv[1:]]))
