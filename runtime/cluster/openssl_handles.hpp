// OpenSSL's objects, each with one owner. For the .cpp files of this folder only.
#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "runtime/core/error.hpp"

namespace millrace::openssl {

template <auto Free>
struct freer {
  template <class T>
  void operator()(T* p) const {
    Free(p);
  }
};
template <class T, auto Free>
using owned = std::unique_ptr<T, freer<Free>>;

using certificate = owned<X509, X509_free>;
using private_key = owned<EVP_PKEY, EVP_PKEY_free>;
using open_file = owned<std::FILE, std::fclose>;

/// ec::internal with OpenSSL's own reason.
tl::unexpected<error> failure(const std::string& what);

/// The first certificate of a PEM file; invalid_config if there is none.
result<certificate> read_certificate(const std::string& file);

/// permission_denied if anybody but the file's owner may read it; invalid_config if it holds
/// no key.
result<private_key> read_key(const std::string& file);

}  // namespace millrace::openssl
