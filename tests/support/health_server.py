#!/usr/bin/python3
"""A gRPC health server for tests: health_server.py PORT [KEY CERTIFICATE].

Answers by the service's name: "" and "up" SERVING, "down" NOT_SERVING, "odd" bytes that are no
protobuf, "slow" not at all for a minute; else NOT_FOUND.
"""

import sys
import time
from concurrent import futures

import grpc


def check(request, context):
    service = request[2:].decode()
    if service in ("", "up"):
        return b"\x08\x01"
    if service == "down":
        return b"\x08\x02"
    if service == "odd":
        return b"\xff\xff\xff"
    if service == "slow":
        time.sleep(60)
    context.abort(grpc.StatusCode.NOT_FOUND, "no such service: " + service)


server = grpc.server(futures.ThreadPoolExecutor(4))
handler = grpc.unary_unary_rpc_method_handler(check)
server.add_generic_rpc_handlers(
    (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": handler}),))
address = "127.0.0.1:" + sys.argv[1]
if len(sys.argv) > 2:
    with open(sys.argv[2], "rb") as key, open(sys.argv[3], "rb") as certificate:
        server.add_secure_port(address,
                               grpc.ssl_server_credentials([(key.read(), certificate.read())]))
else:
    server.add_insecure_port(address)
server.start()
server.wait_for_termination()
