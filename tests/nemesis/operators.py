"""What an operator may do to a cluster while it works: requests 34 and 35, from protocol/wire/cluster.proto."""

from penstock_wire import ERROR, Api, Message, error_name

REPLICA_STATUS = Message(broker_id=(1, "int"), lag_records=(3, "int"), lag_bytes=(4, "int"), reachable=(7, "bool"))
CLUSTER_STATUS = Api(34, Message(only_here=(1, "bool")), Message(
    error=(1, ERROR), controller=(2, "int"),
    brokers=(3, [Message(broker_id=(1, "int"), host=(2, "string"), port=(3, "uint"), state=(5, "string"),
                         reachable=(6, "bool"), votes=(7, "bool"), leaders=(8, "uint"), replicas=(9, "uint"))]),
    partitions=(4, [Message(topic=(2, "string"), partition=(3, "int"), leader=(4, "int"),
                            replicas=(8, [REPLICA_STATUS]), wanted=(9, ["int"]),
                            step=(10, "string"), under_replicated=(11, "bool"))])))
MOVE_REPLICAS = Message(topic=(1, "string"), partition=(2, "int"), replicas=(3, ["int"]))
TRANSFER_LEADER = Message(topic=(1, "string"), partition=(2, "int"), to=(3, "int"))
ALTER_CLUSTER = Api(35, Message(drain_broker=(1, "int"), resume_broker=(2, "int"), decommission_broker=(3, "int"),
                                move_replicas=(4, MOVE_REPLICAS), transfer_leader=(6, TRANSFER_LEADER),
                                remove_broker=(7, "int")),
                    Message(error=(1, ERROR), metadata_offset=(2, "int")))
PATIENCE_S = 5.0


def ask_any(cluster, api, **fields):
    """The first answer without an error, of any broker; None when there is none."""
    for broker in cluster.brokers:
        if not broker.is_running() or broker.frozen:
            continue
        try:
            answer = broker.ask(api, PATIENCE_S, **fields)
        except Exception:  # cut off, busy, starting: the next one
            continue
        if error_name(answer) == "Ok":
            return answer
    return None


def status(cluster):
    return ask_any(cluster, CLUSTER_STATUS)


def alter(cluster, **change):
    return ask_any(cluster, ALTER_CLUSTER, **change) is not None
