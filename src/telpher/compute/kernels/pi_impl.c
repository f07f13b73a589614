#include "pi_impl.h"

int pi_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control)
{
    int64_t way = arguments[0], terms = arguments[1];
    if (terms < 1 || way != PI_PLAIN)
        return TELPHER_BAD_ARGUMENT;
    int status = pi_plain(terms, &result->real, control);
    if (status == TELPHER_OK)
        telpher_poll(control, terms);
    return status;
}
