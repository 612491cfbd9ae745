"""``mmfkd prepare vggsound`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'vggsound', *sys.argv[1:]]))
