// Cryptographic hashes, as hexadecimal text.
#include <openssl/evp.h>

#include <array>

#include "expr/binding.h"
#include "expr/slots.h"

namespace penstock::expr {

namespace {

using Algorithm = const EVP_MD* (*)();

void append_digest(std::string& out, std::string_view bytes, const EVP_MD* algorithm) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, algorithm, nullptr);
  for (unsigned i = 0; i < size; ++i) {
    out += "0123456789abcdef"[digest[i] >> 4];
    out += "0123456789abcdef"[digest[i] & 15];
  }
}

template <Algorithm algorithm>
void digest(KernelCall& call) {
  auto values = call.argument<StringCell>(0);
  const EVP_MD* method = algorithm();
  write_rows(call, [&](std::string& out, size_t row) { append_digest(out, values[row].view(), method); });
}

// SHA2(text, bits)
void sha2(KernelCall& call) {
  auto values = call.argument<StringCell>(0);
  auto sizes = call.argument<int64_t>(1);
  write_rows(call, [&](std::string& out, size_t row) {
    switch (sizes[row]) {
      case 224: return append_digest(out, values[row].view(), EVP_sha224());
      case 256: return append_digest(out, values[row].view(), EVP_sha256());
      case 384: return append_digest(out, values[row].view(), EVP_sha384());
      case 512: return append_digest(out, values[row].view(), EVP_sha512());
      default: return call.fail(row, fmt::format("SHA2 has 224, 256, 384 or 512 bits, not {}", sizes[row]));
    }
  });
}

constexpr FunctionCategory kCategory = FunctionCategory::kHash;
constexpr TypeKind kString = TypeKind::kString;
constexpr Takes kBytes = Takes::kTextOrBytes;

constexpr ScalarFunction kFunctions[] = {
    {"MD5", kCategory, "MD5(text)", "The MD5 hash.", "MD5('abc') => 900150983cd24fb0d6963f7d28e17f72",
     bind_fixed<digest<EVP_md5>, kString, kBytes>},
    {"SHA1", kCategory, "SHA1(text)", "The SHA-1 hash.", "SHA1('abc') => a9993e364706816aba3e25717850c26c9cd0d89d",
     bind_fixed<digest<EVP_sha1>, kString, kBytes>},
    {"SHA224", kCategory, "SHA224(text)", "The SHA-224 hash.",
     "SHA224('abc') => 23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
     bind_fixed<digest<EVP_sha224>, kString, kBytes>},
    {"SHA256", kCategory, "SHA256(text)", "The SHA-256 hash.",
     "SHA256('abc') => ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     bind_fixed<digest<EVP_sha256>, kString, kBytes>},
    {"SHA384", kCategory, "SHA384(text)", "The SHA-384 hash.", "LEFT(SHA384('abc'), 16) => cb00753f45a35e8b",
     bind_fixed<digest<EVP_sha384>, kString, kBytes>},
    {"SHA512", kCategory, "SHA512(text)", "The SHA-512 hash.", "LEFT(SHA512('abc'), 16) => ddaf35a193617aba",
     bind_fixed<digest<EVP_sha512>, kString, kBytes>},
    {"SHA2", kCategory, "SHA2(text, bits)", "The hash of the SHA-2 family with 224, 256, 384 or 512 bits.",
     "SHA2('abc', 224) => 23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
     bind_fixed<sha2, kString, kBytes, Takes::kInteger>},
};

}  // namespace

std::span<const ScalarFunction> hash_functions() { return kFunctions; }

}  // namespace penstock::expr
