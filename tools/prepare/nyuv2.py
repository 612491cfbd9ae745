"""``mmfkd prepare nyuv2`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'nyuv2', *sys.argv[1:]]))
