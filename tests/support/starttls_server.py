#!/usr/bin/python3
"""Says a protocol's plain words up to STARTTLS, then speaks TLS: for tests.

    starttls_server.py PORT CERTIFICATE KEY pop3|ftp|ldap|xmpp
"""

import socket
import ssl
import sys

# What the client must have said (a part of it; None: nothing yet), and the answer.
LDAP_REQUEST = b"\x80\x161.3.6.1.4.1.1466.20037"
LDAP_SUCCESS = b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"
WORDS = {
    "pop3": [(None, b"+OK ready\r\n"), (b"STLS\r\n", b"+OK go\r\n")],
    "ftp": [(None, b"220-hello\r\n220 ready\r\n"), (b"AUTH TLS\r\n", b"234 go\r\n")],
    "ldap": [(LDAP_REQUEST, LDAP_SUCCESS)],
    "xmpp": [(b"to='localhost'", b"<stream:stream><stream:features><starttls/></stream:features>"),
             (b"<starttls", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")],
}


def serve(connection, words, context):
    for expected, answer in words:
        heard = b""
        while expected is not None and expected not in heard:
            more = connection.recv(4096)
            if not more:
                return
            heard += more
        connection.sendall(answer)
    with context.wrap_socket(connection, server_side=True) as secured:
        while secured.recv(4096):
            pass


def main():
    port, certificate, key, protocol = sys.argv[1:]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", int(port)))
    while True:
        connection, _ = listener.accept()
        try:
            serve(connection, WORDS[protocol], context)
        except OSError:
            pass
        finally:
            connection.close()


main()
