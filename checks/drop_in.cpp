#include "checks/drop_in.h"

#include <map>
#include <string>

namespace picket::checks {

std::vector<DropInFile> effective_files(std::vector<std::vector<DropInFile>> directories) {
    std::map<std::string, DropInFile> by_name;
    for (std::vector<DropInFile>& directory : directories) {
        for (DropInFile& file : directory) {
            if (is_drop_in_name(file.name)) by_name[file.name] = std::move(file);
        }
    }
    std::vector<DropInFile> files;
    for (auto& [name, file] : by_name) {
        const bool masks = file.null_device || (file.text.empty() && file.fault.empty());
        if (!masks) files.push_back(std::move(file));
    }
    return files;
}

}  // namespace picket::checks
