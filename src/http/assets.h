// The console's files, embedded in the program.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::http {

// As cmake/embed.cmake writes them.
struct EmbeddedFile {
  std::string_view path;  // "/assets/index-abc.js"
  std::string_view bytes;
};
extern const std::vector<EmbeddedFile>& embedded_files();

struct Asset {
  std::string_view path;
  std::string_view content_type;
  std::string_view bytes;
  std::string gzip;  // empty where it would not be smaller
  std::string etag;
  bool immutable = false;  // its name changes with its content
};

// Made once, at the start. Immutable.
class Assets {
 public:
  Assets();
  // nullptr when there is no such file. "/" is the page.
  const Asset* find(std::string_view path) const;

 private:
  std::vector<Asset> assets_;
};

}  // namespace penstock::http
