"""``mmfkd prepare mvss`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'mvss', *sys.argv[1:]]))
