#include "tests/support/servers.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

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
