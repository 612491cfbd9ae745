"""``mmfkd analyze deploy_cost`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['analyze', 'deploy_cost', *sys.argv[1:]]))
