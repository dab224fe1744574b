/* Error codes and the detail record. Part of libnoex; SPDX-License-Identifier: Apache-2.0 */
#ifndef NOEX_ERROR_H
#define NOEX_ERROR_H

#include <noex/export.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Every error: name, number, text. The hundreds digit is the class (see noex_error_class):
 *   -1xx usage     the caller's mistake; nothing was started
 *   -2xx reach     the node, its host or its epmd cannot be reached, or was lost
 *   -3xx refused   somebody is there and it does not work out: cookie, flag, name, protocol
 *   -4xx silence   no answer in time
 *   -5xx internal  memory, system calls, own limits
 */
#define NOEX_ERROR_MAP(X)                                                                          \
    X(EINVALID, -101, "invalid argument")                                                          \
    X(ENODENAME, -102, "not a node name of the form name@host or name@host:port")                  \
    X(ETARGET, -103, "not a target that can be monitored")                                         \
    X(ESTATE, -104, "not possible in this state")                                                  \
    X(EREENTRANT, -105, "not allowed inside a callback")                                           \
    X(ECOOKIE_FORM, -106, "a cookie holds only the characters 0x20 to 0x7e, 255 at most")          \
    X(ETYPE, -107, "the term is of another type")                                                  \
    X(ERANGE, -108, "out of range")                                                                \
    X(ENOTSTARTED, -109, "the cluster has not been started")                                       \
    X(ETLSOPTION, -110, "a TLS option, certificate or key that cannot be used")                    \
    X(EHOST, -201, "host unknown")                                                                 \
    X(EEPMD, -202, "epmd cannot be reached")                                                       \
    X(ENONODE, -203, "epmd knows no such node")                                                    \
    X(ECONNREFUSED, -204, "connection refused")                                                    \
    X(EUNREACHABLE, -205, "host or network unreachable")                                           \
    X(ECLOSED, -206, "connection closed by the peer")                                              \
    X(ELOST, -207, "connection lost")                                                              \
    X(ENOTREACHABLE, -208, "node not reachable")                                                   \
    X(EDISCONNECTED, -209, "disconnected by this program")                                         \
    X(EUNREAD, -210, "the peer does not read what is sent to it")                                  \
    X(ENOPROC, -212, "no such process, or it has ended")                                           \
    X(ENONAME, -213, "no process has this name in global")                                         \
    X(ENOTLOCAL, -211, "not an address of this machine")                                           \
    X(ECOOKIE, -301, "cookies differ")                                                             \
    X(EFLAG, -302, "a mandatory capability flag is missing")                                       \
    X(ENAMECLASH, -303, "a node of this name is already connected")                                \
    X(ENAMEMISMATCH, -304, "the peer has another name than the one dialled")                       \
    X(ETLSPEER, -305, "the peer speaks TLS distribution")                                          \
    X(EGARBAGE, -306, "the peer does not speak the distribution protocol")                         \
    X(EMAIL, -317, "the peer sends more messages than the program takes")                          \
    X(ENOTALLOWED, -307, "the peer does not allow this node")                                      \
    X(ENOMONITOR, -308, "the peer does not support monitors")                                      \
    X(EEPMDGARBAGE, -309, "epmd gave an answer that is none")                                      \
    X(ETERM, -311, "malformed external term")                                                      \
    X(EPROTOCOL, -312, "the peer broke the distribution protocol")                                 \
    X(ETOOBIG, -313, "the peer sent more than the configured limit")                               \
    X(EPID, -315, "the peer does not tell which process a printed pid means")                      \
    X(ESIMULTANEOUS, -314, "the peer is connecting to this node at this moment")                   \
    X(ENAMETAKEN, -316, "somebody else has this name")                                             \
    X(ENOTSUP, -318, "the other node refuses what it was asked for")                               \
    X(EEXCEPTION, -319, "the function that was called raised an exception")                        \
    X(ENOBEHAVIOR, -320, "the node has no behaviour or module of this name")                       \
    X(EINIT, -321, "the process could not be started: its init failed")                            \
    X(ENOGLOBAL, -322, "no node that runs Erlang's global is connected")                           \
    X(EPLAINPEER, -323, "the peer does not speak TLS")                                             \
    X(ECERT, -324, "the peer's certificate is not accepted")                                       \
    X(ECERTREFUSED, -325, "the peer does not accept this node's certificate")                      \
    X(ETLS, -326, "the TLS handshake or session failed")                                           \
    X(EHANDSHAKETIMEOUT, -401, "no answer in the handshake")                                       \
    X(EEPMDTIMEOUT, -402, "no answer from epmd")                                                   \
    X(ECONNECTTIMEOUT, -403, "no answer to the connection attempt")                                \
    X(ESETUPTIMEOUT, -404, "monitor setup timed out")                                              \
    X(ETICKTIMEOUT, -405, "nothing heard for longer than net_ticktime allows")                     \
    X(EDNSTIMEOUT, -406, "no answer from name resolution")                                         \
    X(EWAIT, -407, "not in the time given")                                                        \
    X(EINTERRUPTED, -408, "interrupted before there was an answer")                                \
    X(ECALLTIMEOUT, -409, "no answer to the call in time")                                         \
    X(ENOMEM, -501, "out of memory")                                                               \
    X(ESYSTEM, -502, "system call failed")                                                         \
    X(ELIMIT, -503, "a configured limit of this node is reached")                                  \
    X(ERANDOM, -504, "no random numbers to be had")

/** Error codes; every function that can fail returns 0 or one of these. */
enum noex_error_code {
    NOEX_OK = 0,
#define NOEX_ERROR_ENUM(name, number, text) NOEX_##name = number,
    NOEX_ERROR_MAP(NOEX_ERROR_ENUM)
#undef NOEX_ERROR_ENUM
};

/** What kind of failure a code is: what a program switches on. */
enum noex_error_class {
    NOEX_CLASS_OK = 0,
    NOEX_CLASS_USAGE = 1,
    NOEX_CLASS_REACH = 2,
    NOEX_CLASS_REFUSED = 3,
    NOEX_CLASS_SILENCE = 4,
    NOEX_CLASS_INTERNAL = 5
};

/**
 * The detail of a failure: which code, which errno where a system call failed (else 0), and one
 * line of text without a newline that names the cause. Filled only on failure; the first cause is
 * kept.
 */
struct noex_error {
    int code;       /**< one of NOEX_ERROR_MAP */
    int sys_errno;  /**< the system call's errno, or 0 */
    char text[248]; /**< the cause in words, always with a NUL */
};

/** The text of a code, from NOEX_ERROR_MAP; "unknown error" for any other number. Never fails. */
NOEX_API const char *noex_error_text(int code);

/** The name of a code as in C, "NOEX_ECOOKIE"; "NOEX_UNKNOWN" for any other number. Never fails. */
NOEX_API const char *noex_error_name(int code);

/** The class of a code; a number that is no code counts as internal. Never fails. */
NOEX_API enum noex_error_class noex_error_class(int code);

#ifdef __cplusplus
}
#endif
#endif
