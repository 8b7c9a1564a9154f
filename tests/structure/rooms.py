"""The rooms of the house, as data. A new edge or prefix is a line here, and so a decision that a reader of the change sees.

LIBRARIES: name -> (prefixes of what it exports, libraries it may use). Order is the dependency order: a library uses only
earlier ones. A prefix ends in "_", or is a whole name.
"""

LIBRARIES = {
    "eth": ("abi_ address_ bloom_ decimal_ eip191_ eip712_ header_ hex_ keccak_ keccak256 rlp_ signature_ state_proof_ state_set_ state_empty_code "
            "trie_ tx_ u256_", ""),
    "eth_rpc": ("eth_rpc_", "eth"),
    "did": ("agent_did_ agent_document_ agent_key_ base58btc_ bech32_ caip10_ data_integrity_ dereference_ did_ eip155_ foreign_document_ host_document_ jcs_ multikey_ "
            "participant_did_ participant_document_ participant_fault_ participant_fragment participant_handle_ participant_object_ participant_profile_ participant_statement_ participant_verb_ registration_ resolution_ siwe_",
            "eth"),
    "anchor": ("checkpoint_ entry_ map_ merkle_ note_ sender_ tile_", ""),
    "sql": ("listen_ migrate_ pg_ store_", ""),
    "config": ("config_ keyfile_", ""),
    "chains": ("chains_", "eth config"),
    "assertion": ("assertion_", "did"),
    "runtime": ("clock_ log_ metrics_", ""),
    "http": ("http_", "runtime"),
    "identity": ("fold_events multicall_ prepare_ range_ agent_pair_ agent_proof_ agent_read agent_read_ agent_state_ agent_wait_ authority_ heads_ hosted_file_ layout_ registry_ rpc_metrics_",
                 "eth eth_rpc did runtime"),
    "links": ("link_", "eth did"),
    "participant": ("participant_change_ participant_erasure_ participant_payload_ participant_queue_ participant_rule participant_rules participant_state_ participant_verify",
                    "eth eth_rpc did sql runtime identity"),
    "fetch": ("cid_ fetch_ fetcher_ foreign_ uri_", "eth did runtime"),
    "record": ("admission_ append_ batch_ fact_ failpoint_ receipt_ refusal_ submission_ typed_",
               "eth did anchor sql runtime identity"),
    "steward": ("anchor_ files_ fold_ follow_ guard_ index_ links_ log_append_ node_cache_ notary_ participants_ steward_",
                "eth eth_rpc did anchor sql config chains runtime identity links participant fetch record"),
    "web": ("web_", ""),
    "routes": ("documents_ ingest_ participant_wish_ proof_cache_ reading_ resolve_ routes_ service_ stream_ view_ wish_", "eth eth_rpc did anchor sql config chains assertion runtime http identity links participant fetch record web"),
    "gateway": ("supervisor_ worker_", "eth eth_rpc did anchor sql config chains assertion runtime http identity links participant fetch record routes"),
    "cli": ("cli_", "eth eth_rpc did anchor sql config chains assertion runtime http identity links participant fetch record steward routes gateway"),
    "main": ("main", "cli"),
}

# Bytes in, bytes out: no I/O, no clock (DESIGN §3).
PURE = ("eth", "did", "anchor")
FORBIDDEN_IN_PURE = ("unistd.h", "fcntl.h", "poll.h", "signal.h", "time.h", "sys/socket.h", "sys/time.h", "sys/stat.h", "netdb.h",
                     "event2/", "libpq-fe.h", "curl/", "microhttpd.h")
# Only this library may include a header that starts so.
OWNED_HEADERS = {"libpq-fe.h": ("sql",), "curl/": ("eth_rpc", "cli", "fetch"), "microhttpd.h": ("http",), "ini.h": ("config",),
                 "nettle/": ("eth",), "secp256k1": ("eth",), "openssl/": ("anchor", "http")}
# anchor knows neither JSON nor SQL nor HTTP; sql knows no domain rule and no JSON.
NO_JSON = ("anchor", "sql", "eth", "config", "runtime", "http")

SQL_ROOM = "sql"
LINES_MAX = 500


def library_of(path):
    """The library a source file (relative to the top) belongs to; None if it is in none."""
    parts = path.split("/")
    if parts[0] in ("did", "anchor", "sql"):
        return parts[0]
    if parts[0] == "eth":
        return "eth_rpc" if parts[1].startswith("rpc") else "eth"
    if parts[0] != "gateway":
        return None
    if len(parts) > 2:
        return parts[1]
    name = parts[1].rsplit(".", 1)[0]
    return {"assertion": "assertion", "chains": "chains", "config": "config", "keyfile": "config", "main": "main"}.get(name, "gateway")
