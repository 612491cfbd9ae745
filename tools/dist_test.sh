#!/usr/bin/env bash
# Several machines: the same command on each, with NNODES, NODE_RANK, MASTER_ADDR and PORT set.
set -euo pipefail

if [[ $# -lt 3 ]]; then
    echo "usage: $0 CONFIG CHECKPOINT GPUS [options of test.py]" >&2
    exit 2
fi

if [[ ${NNODES:-1} -eq 1 && -z ${PORT:-} ]]; then
    # A free port for each job, so that two of them on one machine do not meet.
    rendezvous=(--standalone)
else
    rendezvous=(--node_rank "${NODE_RANK:-0}" --master_addr "${MASTER_ADDR:-127.0.0.1}"
        --master_port "${PORT:-29500}")
fi

exec torchrun --nnodes "${NNODES:-1}" --nproc_per_node "$3" "${rendezvous[@]}" \
    "$(dirname "$0")/test.py" "$1" "$2" --launcher pytorch "${@:4}"
