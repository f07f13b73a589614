#include "search_impl.h"

int search_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control)
{
    int64_t way = arguments[0], n = arguments[1], sought = arguments[2] < 0 ? n - 1 : arguments[2];
    if (n < 1 || n > INT32_MAX || way != SEARCH_PLAIN)
        return TELPHER_BAD_ARGUMENT;
    int status = search_plain(n, sought, &result->integer, control);
    if (status == TELPHER_OK)
        telpher_poll(control, n);
    return status;
}
