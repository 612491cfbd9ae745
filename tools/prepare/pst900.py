"""``mmfkd prepare pst900`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'pst900', *sys.argv[1:]]))
