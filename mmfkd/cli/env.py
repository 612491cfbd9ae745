"""Print the installed versions that matter, and judge them."""

from mmfkd.env import main

__all__ = ['main']

if __name__ == '__main__':
    raise SystemExit(main())
