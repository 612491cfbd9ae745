"""``mmfkd analyze tsne`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'tsne', *sys.argv[1:]]))
