// Real servers from Debian, started on loopback for one test and ended by it.

#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temporary_directory.h"

namespace picket::testing {

// nginx with the given server blocks; "PORT" in them is its port, "DIR" its
// directory.
class Nginx {
public:
    explicit Nginx(const std::string& servers);

    void start();
    void stop();  // SIGKILL for all of it: connections are refused from now on.
    int port() const { return port_; }
    std::string url(const std::string& path = "/") const;
    const TemporaryDirectory& directory() const { return directory_; }

private:
    TemporaryDirectory directory_;
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

// dnsmasq that knows only what it is told: arguments such as
// "--address=/www.test/192.0.2.80".
class Dnsmasq {
public:
    explicit Dnsmasq(std::vector<std::string> arguments);

    void stop() { process_.reset(); }
    int port() const { return port_; }

private:
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

// nsd, authoritative for one zone, given as a zone file.
class Nsd {
public:
    Nsd(const std::string& zone, const std::string& zone_file);

    int port() const { return port_; }

private:
    TemporaryDirectory directory_;
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

// dovecot, for IMAP; with STARTTLS where it is given a certificate as of
// make_certificate(). It changes users, so it wants a root that has some to change to.
class Dovecot {
public:
    static bool can_run();

    explicit Dovecot(const std::string& certificate = "");

    int port() const { return port_; }

private:
    TemporaryDirectory directory_;
    int port_ = free_port();
    std::unique_ptr<Process> process_;
};

// A key and a self-signed certificate made by openssl, `days` from now until its
// end; -1 ended yesterday. Returns the path to which ".key" and ".crt" belong.
std::string make_certificate(const TemporaryDirectory& directory, const std::string& name,
                             const std::string& host, int days);

}  // namespace picket::testing
