#!/bin/sh
# Two hosts in one machine, for trying a cluster: two network namespaces with a cable between them, a Ray node in each,
# token authentication on. The command is run on the first host and reaches the cluster through the head's client port.
# Needs root, iproute2, and Ray and Reverie on the PATH. Folders are the same on both, as on shared storage.
#
#   sh cluster/two-hosts.sh reverie dream photos/ -o out/ --executor ray://10.77.0.1:10001
#   KILL_AFTER=20 sh cluster/two-hosts.sh ...     # the second host is lost after 20 s: its processes, and its cable
set -eu
A=reverie-a B=reverie-b
HEAD=10.77.0.1 OTHER=10.77.0.2
CORES=${CORES:-1}
export RAY_AUTH_MODE=token RAY_USAGE_STATS_ENABLED=0 RAY_worker_niceness=0
export GRPC_POLL_STRATEGY="${GRPC_POLL_STRATEGY:-poll}"  # the usual one ends the client server now and then (epoll1, "KICKED")
export RAY_raylet_start_wait_time_s="${RAY_raylet_start_wait_time_s:-300}"  # of a busy machine
export RAY_health_check_timeout_ms="${RAY_health_check_timeout_ms:-60000}"  # likewise; a cable that is cut is noticed later
export RAY_AUTH_TOKEN="${RAY_AUTH_TOKEN:-$(head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n')}"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}"

end() {
    [ -z "${KILLER:-}" ] || kill "$KILLER" 2>/dev/null || true
    for host in $A $B; do
        ip netns pids $host 2>/dev/null | xargs -r kill -9 2>/dev/null || true
        ip netns del $host 2>/dev/null || true
    done
}
trap end EXIT INT TERM
end
ip netns add $A
ip netns add $B
ip link add cable-a netns $A type veth peer name cable-b netns $B
ip -n $A addr add $HEAD/24 dev cable-a
ip -n $B addr add $OTHER/24 dev cable-b
for host in $A $B; do ip -n $host link set lo up; done
ip -n $A link set cable-a up
ip -n $B link set cable-b up

STORE=$((100 * 1024 * 1024))
# ports that are known need not be waited for, which on a busy machine takes Ray longer than it allows itself
PORTS="--dashboard-agent-grpc-port 6381 --dashboard-agent-listen-port 6382 --metrics-export-port 6383"
PORTS="$PORTS --runtime-env-agent-port 6384 --node-manager-port 6385 --object-manager-port 6386"
ip netns exec $A ray start --head --node-ip-address $HEAD --port 6379 --ray-client-server-port 10001 \
    --num-cpus "$CORES" --object-store-memory $STORE --include-dashboard=false --disable-usage-stats $PORTS >&2
ip netns exec $B ray start --address $HEAD:6379 --node-ip-address $OTHER \
    --num-cpus "$CORES" --object-store-memory $STORE --disable-usage-stats $PORTS >&2

if [ -n "${KILL_AFTER:-}" ]; then
    (
        sleep "$KILL_AFTER"
        ip -n $B link set cable-b down
        ip netns pids $B | xargs -r kill -9
        echo "the second host is lost" >&2
    ) &
    KILLER=$!
fi
ip netns exec $A "$@"
