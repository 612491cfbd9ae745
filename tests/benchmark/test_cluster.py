"""Trainings of a table as jobs: what Slurm is given, and what a job does."""

import json
import stat
import sys
from pathlib import Path

import pytest

from mmfkd.benchmark import Row, Workers, grid, networks, plan
from mmfkd.benchmark.cluster import submit
from mmfkd.benchmark.grid import Cell
from mmfkd.benchmark.networks import NetworkCell, NetworkPair, network_rows
from mmfkd.benchmark.presets import method_rows
from mmfkd.cli.benchmark import main

ROOT = Path(__file__).parents[2]
PAIR = 'avdigits_visual2audio'
# Keeps every script that it is given, and counts the jobs.
SBATCH = '''#!/bin/sh
count=$(ls {folder} | wc -l)
cp "$1" {folder}/$count.sh
echo "Submitted batch job 70$count"
'''


@pytest.fixture(autouse=True)
def in_root(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def scripts(tmp_path, monkeypatch):
    """A folder of the scripts that a stand-in for Slurm is given."""
    folder, programs = tmp_path / 'scripts', tmp_path / 'bin'
    for one in (folder, programs):
        one.mkdir()
    for name, text in dict(sbatch=SBATCH.format(folder=folder), srun='#!/bin/sh\n').items():
        path = programs / name
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv('PATH', f'{programs}:/usr/bin:/bin')
    return folder


def test_slurm_is_given_what_is_left_in_two_arrays(scripts, tmp_path):
    cells = plan([PAIR], method_rows(['kd', 'dml', 'c2kd']), (0, 1), tmp_path / 'my runs, no. 1')
    done = cells[0].work_dir
    done.mkdir(parents=True)
    (done / 'summary.json').write_text('{"val": 1, "test": {"accuracy/top1": 1}}')
    jobs = submit(cells, tmp_path / 'logs', Workers(amp=True, jobs=4), dict(
        timeout_min=90, slurm_partition='gpu', gpus_per_node=1))
    # Three of four baselines and the two mutual trainings need no teacher.
    assert [job.job_id.split('_')[0] for job in jobs] == ['700'] * 5 + ['701'] * 4
    first, then = ((scripts / f'{i}.sh').read_text() for i in (0, 1))
    for text in (first, then):
        assert '--partition=gpu' in text and '--gpus-per-node=1' in text and '--time=90' in text
    assert '--array=0-4%4' in first and '--dependency' not in first
    assert '--array=0-3%4' in then and '--dependency=afterany:700' in then


def test_an_unknown_parameter_and_a_machine_without_slurm_are_named(scripts, tmp_path, monkeypatch):
    cells = plan([PAIR], [], [0], tmp_path / 'runs')
    with pytest.raises(ValueError, match='--slurm: .*slurm_partitoin'):
        submit(cells, tmp_path / 'logs', Workers(), dict(slurm_partitoin='gpu'))
    monkeypatch.setenv('PATH', '/nowhere')
    with pytest.raises(ValueError, match='--slurm: .*srun'):
        submit(cells, tmp_path / 'logs', Workers(), {})
    monkeypatch.setitem(sys.modules, 'submitit', None)
    with pytest.raises(SystemExit, match=r'need submitit: pip install -e .\[slurm\]'):
        submit(cells, tmp_path / 'logs', Workers(), {})


TRAINING = '''
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
teachers = [path for path in sys.argv[2:] if not pathlib.Path(path, 'summary.json').is_file()]
(folder / 'summary.json').write_text(json.dumps(dict(
    val=1.0, test={'accuracy/top1': 2.0}, missing=teachers)))
'''


def run_on_this_machine(cells, module, folder: Path) -> None:
    """Runs two jobs, and checks that the last found what it starts from.

    A job is another process: it is given the classes of ``module`` as they are here.
    """
    import cloudpickle
    cloudpickle.register_pickle_by_value(module)
    try:
        jobs = submit(cells, folder / 'logs', Workers(jobs=2), {}, cluster='local')
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    assert [job.result() for job in jobs] == [None] * 2
    summary = json.loads((cells[-1].work_dir / 'summary.json').read_text())
    assert summary['missing'] == []


def test_a_job_trains_its_cell_when_its_teachers_have_ended(tmp_path, monkeypatch):
    """On this machine, with the command of a training replaced by one that writes a summary."""
    cells = [cell for cell in plan([PAIR], [Row('kd', 'kd')], [0], tmp_path / 'my runs, no. 1')
             if cell.leaf != 'avdigits_audio']
    command = [sys.executable, '-c', TRAINING]
    monkeypatch.setattr(Cell, 'command', lambda cell, options, amp: [
        *command, str(cell.work_dir), *(str(one.work_dir) for one in cell.teachers())])
    run_on_this_machine(cells, grid, tmp_path)


def test_jobs_of_networks_start_from_what_ended_before_them(tmp_path, monkeypatch):
    """As above; fused images are written between a network and the segmentor."""
    pair = NetworkPair.parse('msrs_rgb-ir')
    cells = [NetworkCell(row, pair, 0, tmp_path / 'runs')
             for row in network_rows(pair, ['cddfuse'])[0] if row.name.startswith('cddfuse')]
    command = [sys.executable, '-c', TRAINING]
    images = str(tmp_path / 'images')
    monkeypatch.setattr(NetworkCell, 'command', lambda cell, options, amp: [
        *command, str(cell.work_dir), *(str(one.work_dir) for one in cell.teachers())])
    monkeypatch.setattr(NetworkCell, 'preparations', lambda cell: [
        ['cp', str(one.work_dir / 'summary.json'), images] for one in cell.teachers()])
    run_on_this_machine(cells, networks, tmp_path)
    assert Path(images).is_file()


def test_networks_of_several_pairs_are_submitted_at_once(scripts, tmp_path, capsys):
    main(['--networks', 'msrs_rgb-ir', 'ombria96_optical-sar', '--methods', 'mmanet', 'cddfuse',
          '--seeds', '0', '--root', str(tmp_path / 'runs'), '--slurm', 'timeout_min=5'])
    said = capsys.readouterr().out
    # Of either pair both baselines, MMANet's teacher and CDDFuse; then what starts from them.
    assert said.startswith('12 jobs: 700_0, ') and '701_3' in said and '702' not in said
    assert not (tmp_path / 'runs/report').exists()
    assert '--dependency=afterany:700' in (scripts / '1.sh').read_text()


def test_the_command_says_what_it_submitted(scripts, tmp_path, capsys):
    main(['--pairs', PAIR, '--methods', 'kd', '--seeds', '0', '--root', str(tmp_path / 'runs'),
          '--jobs', '3', '--slurm', 'timeout_min=5'])
    said = capsys.readouterr().out
    assert said.startswith('3 jobs: 700_0, 700_1, 701')
    assert 'with --collect in place of --slurm' in said
    with pytest.raises(SystemExit, match='--slurm gpu: write KEY=VALUE'):
        main(['--pairs', PAIR, '--root', str(tmp_path / 'runs'), '--slurm', 'gpu'])
