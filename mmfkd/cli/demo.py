"""Show in the browser what a student, its teachers and its baseline predict.

The page has the samples of the test set to click, and an upload for each modality with a switch
that takes it away. It is served on this machine alone unless --host says otherwise.

Examples::

    mmfkd demo work_dirs/recommended/synthetic_depth2rgb
    mmfkd demo work_dirs/csknet/streets_rgb-ir --baseline work_dirs/unimodal/streets_ir
"""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path


def parse_args(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command's options."""
    parser = argparse.ArgumentParser('mmfkd demo', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('model', metavar='WORK_DIR_CONFIG_OR_EXPORT',
                        help='The folder of a run or of an export, or a config.')
    parser.add_argument('--checkpoint', default='best',
                        help="A checkpoint file of the students, or 'best' (default: best).")
    parser.add_argument('--baseline', type=Path, metavar='WORK_DIR',
                        help='The run of the baseline (default: the one that the training was '
                             'compared with).')
    parser.add_argument('--samples', type=int, default=12, metavar='N',
                        help='The number of samples of the test set (default: 12).')
    parser.add_argument('--device', help='Such as cpu or cuda:0 (default: the GPU if there is '
                                         'one).')
    parser.add_argument('--host', default='127.0.0.1',
                        help='The address to listen on; 0.0.0.0 lets other machines in (default: '
                             '127.0.0.1).')
    parser.add_argument('--port', type=int, default=7860,
                        help='The port to listen on (default: 7860).')
    args = parser.parse_args(argv)
    if args.samples < 1:
        parser.error(f'--samples {args.samples}: take 1 or more')
    return args


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    args = parse_args(argv)
    if find_spec('gradio') is None:
        sys.exit('mmfkd demo needs gradio: pip install -e .[demo], or pip install gradio')

    import gradio

    from mmfkd.demo.networks import open_networks
    from mmfkd.demo.page import Page
    from mmfkd.demo.samples import open_samples

    try:
        networks = open_networks(args.model, args.checkpoint, args.baseline, args.device)
        page = Page(networks, open_samples(args.model, args.samples))
    except (FileNotFoundError, ValueError) as error:
        sys.exit(str(error))
    # Fonts of this machine: the page loads nothing from elsewhere.
    theme = gradio.themes.Default(font=['sans-serif'], font_mono=['monospace'])
    try:
        page.blocks().launch(server_name=args.host, server_port=args.port, theme=theme,
                             share=False, show_error=True)
    except OSError as error:
        sys.exit(f'--host {args.host} --port {args.port}: {error}; choose another --port')


if __name__ == '__main__':
    main()
