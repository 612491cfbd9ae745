"""``mmfkd prepare deliver`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'deliver', *sys.argv[1:]]))
