#!/bin/bash
# A Ray cluster inside one Slurm allocation, and one command on it:
#
#   sbatch --nodes 4 --ntasks-per-node 1 --cpus-per-task 16 cluster/slurm.sh dream photos/ -o out/
#
# Without it, `reverie dream photos/ -o out/ --executor slurm:partition=cpu` on a login node sends an array of tasks;
# that needs no allocation and suits folders. This script suits works whose parts talk: giant pictures, films, sheets.
#SBATCH --job-name=reverie
#SBATCH --ntasks-per-node=1
#SBATCH --requeue
#SBATCH --signal=B:TERM@60
set -euo pipefail

export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0
RAY_AUTH_TOKEN=${RAY_AUTH_TOKEN:-$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')}
export RAY_AUTH_TOKEN
cores=${SLURM_CPUS_PER_TASK:-1}
head=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 10000))

srun --nodes=1 --ntasks=1 --overlap -w "$head" \
    ray start --head --node-ip-address="$head" --port="$port" --num-cpus="$cores" --include-dashboard=false \
    --object-store-memory=200000000 --block &
sleep 20
if [ "$SLURM_JOB_NUM_NODES" -gt 1 ]; then
    srun --nodes=$((SLURM_JOB_NUM_NODES - 1)) --ntasks=$((SLURM_JOB_NUM_NODES - 1)) --overlap --exclude="$head" \
        ray start --address="$head:$port" --num-cpus="$cores" --object-store-memory=200000000 --block &
fi
sleep 20
# a requeued allocation goes on from what is there: results are written whole, and skipped when up to date
RAY_ADDRESS="$head:$port" srun --nodes=1 --ntasks=1 --overlap -w "$head" reverie "$@" --executor ray
