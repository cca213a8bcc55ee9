#include "tests/support/servers.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace picket::testing {
namespace {

std::string replaced(std::string text, const std::string& what, const std::string& with) {
    for (auto at = text.find(what); at != std::string::npos;
         at = text.find(what, at + with.size())) {
        text.replace(at, what.size(), with);
    }
    return text;
}

// In a user namespace root is the only user there is to change to.
std::string own_user() {
    return geteuid() == 0 ? "user root root; " : "";
}

}  // namespace

Nginx::Nginx(const std::string& servers) {
    std::string paths;
    for (const char* kind : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
        paths += std::string(kind) + "_temp_path " + directory_.path(kind) + ";\n";
    }
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    const std::string own =
        replaced(replaced(servers, "PORT", std::to_string(port_)), "DIR", directory_.path());
    directory_.write("nginx.conf",
                     own_user() + "daemon off; master_process off; pid " + directory_.path("pid") +
                         "; error_log " + directory_.path("log") +
                         ";\nevents {}\nhttp { access_log off;\n" + paths + own + "\n}\n");
    start();
}

void Nginx::start() {
    process_ = std::make_unique<Process>(std::vector<std::string>{
        "/usr/sbin/nginx", "-c", directory_.path("nginx.conf"), "-e", directory_.path("log")});
    REQUIRE(await_port(port_));
}

void Nginx::stop() {
    process_->signal(SIGKILL);
    REQUIRE(process_->wait().has_value());
}

std::string Nginx::url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + path;
}

Dnsmasq::Dnsmasq(std::vector<std::string> arguments) {
    arguments.insert(
        arguments.begin(),
        {"/usr/sbin/dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
         "--pid-file=", "--listen-address=127.0.0.1", "--bind-interfaces",
         "--log-facility=/dev/null", "--port=" + std::to_string(port_)});
    process_ = std::make_unique<Process>(std::move(arguments));
    REQUIRE(await_port(port_));
}

Nsd::Nsd(const std::string& zone, const std::string& zone_file) {
    directory_.write("zone", zone_file);
    directory_.write("nsd.conf",
                     "server:\n  ip-address: 127.0.0.1\n  port: " + std::to_string(port_) +
                         "\n  username: \"\"\n  chroot: \"\"\n  database: \"\"\n  server-count: 1\n"
                         "  pidfile: \"" +
                         directory_.path("pid") + "\"\n  xfrdfile: \"" + directory_.path("xfrd") +
                         "\"\n  zonelistfile: \"" + directory_.path("zonelist") +
                         "\"\n  xfrdir: \"" + directory_.path() + "\"\n  zonesdir: \"" +
                         directory_.path() +
                         "\"\nremote-control:\n  control-enable: no\nzone:\n  name: " + zone +
                         "\n  zonefile: zone\n");
    process_ = std::make_unique<Process>(
        std::vector<std::string>{"/usr/sbin/nsd", "-d", "-c", directory_.path("nsd.conf")},
        std::map<std::string, std::string>{}, Process::Errors::with_output);
    REQUIRE(await_port(port_));
}

bool Dovecot::can_run() {
    std::ifstream map("/proc/self/uid_map");
    unsigned long inner = 0, outer = 0, count = 0;
    map >> inner >> outer >> count;
    return geteuid() == 0 && count > 65'535;
}

Dovecot::Dovecot(const std::string& certificate) {
    std::filesystem::permissions(directory_.path(), std::filesystem::perms(0755));
    const std::string tls =
        certificate.empty()
            ? "ssl = no\n"
            : fmt::format("ssl = yes\nssl_cert = <{0}.crt\nssl_key = <{0}.key\n", certificate);
    directory_.write(
        "dovecot.conf",
        fmt::format(
            "base_dir = {0}/run\nstate_dir = {0}/state\nlog_path = {0}/log\nprotocols = imap\n"
            "listen = 127.0.0.1\n{2}default_login_user = dovenull\n"
            "default_internal_user = dovecot\ndefault_internal_group = dovecot\n"
            "service imap-login {{\n  chroot =\n  inet_listener imap {{\n    port = {1}\n  }}\n"
            "  inet_listener imaps {{\n    port = 0\n  }}\n}}\nservice anvil {{\n  chroot =\n}}\n"
            "passdb {{\n  driver = static\n  args = nopassword\n}}\n"
            "userdb {{\n  driver = static\n  args = uid=1000 gid=1000 home=/tmp\n}}\n",
            directory_.path(), port_, tls));
    process_ = std::make_unique<Process>(
        std::vector<std::string>{"/usr/sbin/dovecot", "-F", "-c", directory_.path("dovecot.conf")},
        std::map<std::string, std::string>{}, Process::Errors::with_output);
    REQUIRE(await_port(port_));
}

std::string make_certificate(const TemporaryDirectory& directory, const std::string& name,
                             const std::string& host, int days) {
    const std::string base = directory.path(name);
    // `openssl req -x509` takes no days below 1; `openssl x509` signs with any.
    const std::string script =
        "set -e; openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout " + base +
        ".key -subj /CN=" + host + " -out " + base + ".csr; printf 'subjectAltName=DNS:" + host +
        ",IP:127.0.0.1\\nbasicConstraints=CA:TRUE\\n' >" + base + ".ext; openssl x509 -req -in " +
        base + ".csr -signkey " + base + ".key -extfile " + base + ".ext -days " +
        std::to_string(days) + " -out " + base + ".crt";
    const Finished made = run({"/bin/sh", "-c", script});
    REQUIRE_MESSAGE(made.exit_code == 0, made.errors);
    return base;
}

}  // namespace picket::testing
