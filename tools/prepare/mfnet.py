"""``mmfkd prepare mfnet`` as a script."""

import sys

from mmfkd.cli import main

if __name__ == '__main__':
    sys.exit(main(['prepare', 'mfnet', *sys.argv[1:]]))
