"""docs/tour.ipynb, run from its first cell to its last, and docs/went_wrong.md."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from runs import ROOT

SMALL = ' '.join(['train_cfg.max_epochs=1', 'train_dataloader.batch_size=4',
                  'default_hooks.teacher_report.refuse=False', *(
                      f'{split}_dataloader.{key}' for split in ('train', 'val', 'test')
                      for key in ('dataset.num_scenes=8', 'num_workers=0'))])


def script(notebook):
    """The code cells as a program; what is run by a shell is run by one."""
    cells = [''.join(cell['source']) for cell in notebook['cells'] if cell['cell_type'] == 'code']
    assert len(cells) >= 7 and cells[0].endswith("options = ''")
    cells[0] = f'import subprocess\noptions = "--cfg-options {SMALL}"'
    return '\n'.join(re.sub(r'^!(.*)$', r"subprocess.run(f'\1', shell=True, check=True)", cell,
                            flags=re.MULTILINE) for cell in cells)


def test_the_notebook_runs_to_its_end(tmp_path):
    program = tmp_path / 'tour.py'
    program.write_text(script(json.loads((ROOT / 'docs/tour.ipynb').read_text())))
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    done = subprocess.run([sys.executable, program], cwd=tmp_path, capture_output=True, text=True,
                          env=dict(os.environ, PATH=path, PYTHONPATH=str(ROOT)), check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert re.search(r'baseline \d+\.\d mIoU on test, student \d+\.\d: [+-]\d', done.stdout)
    assert re.findall(r'(\w+) \d+% of the pixels are right', done.stdout) == [
        'student', 'teacher']


def test_every_message_that_went_wrong_is_one_of_mmfkd():
    sources = [path.read_text() for path in sorted((ROOT / 'mmfkd').rglob('*.py'))]
    assert len(sources) > 200
    # Strings over several lines are one message.
    said = re.sub(r"""['"]\s*\n\s*f?['"]""", '', '\n'.join(sources))
    rows = [line.split('|')[1:3] for line in (ROOT / 'docs/went_wrong.md').read_text().splitlines()
            if line.startswith('| ') and '`' in line.split('|')[1]]
    found = [text for message, story in rows for text in re.findall(r'`([^`]+)`', message)
             if not story.strip().startswith('of PyTorch')]
    assert len(found) >= 20
    assert [text for text in found if text not in said] == []
