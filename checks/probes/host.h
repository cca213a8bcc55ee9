// The probes of this host: disk, memory, load, process, unit and file.
//
// disk      failed: fuller than allowed, read-only, not mounted, not there (content);
//           no answer from the file system in time (timeout).
// memory    failed: less available, more swapped or more waiting than allowed.
// load      failed: more load or more waiting than allowed.
// process   failed: fewer or more of them, younger, older or larger than allowed.
// unit      failed: a unit is not in a state that passes, or not known.
// file      failed: missing, too old, too new, too large, too small, too few, too many.
//
// Errored: what may not be looked at, a host without systemd, a kernel without the
// pressure figures (PSI) that were asked for.

#pragma once

#include <memory>

#include "checks/definition.h"
#include "checks/probes/kinds.h"
#include "checks/probes/probe.h"

namespace picket::checks {

std::unique_ptr<Probe> make_disk_probe(const Definition& definition, ProbeServices services);
std::unique_ptr<Probe> make_memory_probe(const Definition& definition, ProbeServices services);
std::unique_ptr<Probe> make_load_probe(const Definition& definition, ProbeServices services);
std::unique_ptr<Probe> make_process_probe(const Definition& definition, ProbeServices services);
std::unique_ptr<Probe> make_unit_probe(const Definition& definition, ProbeServices services);
std::unique_ptr<Probe> make_file_probe(const Definition& definition, ProbeServices services);

}  // namespace picket::checks
