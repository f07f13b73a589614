#define _GNU_SOURCE
#include "digits_impl.h"

#include <gmp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DIGITS_PER_TERM 14.181647462725477
#define BITS_PER_DIGIT 3.3219280948873626
#define GUARD_BITS 128
#define NARROW_TERMS 24     /* below this many a half is not worth splitting */
#define NARROW_DIGITS 400   /* below this many GMP's own conversion is as fast */
#define NARROW_BITS 4096    /* room for a narrow part's numbers, so that they need not grow */
#define MOST_HALVINGS 40
#define WATCH_NS 10000000   /* how often the caller looks at the control */

/* ---- two things side by side ---- */

typedef struct errand {
    void (*work)(void *);
    void *argument;
    digits_run *run;
    int status;
} errand;

static void *run_errand(void *argument)
{
    errand *self = argument;
    self->status = digits_enter(self->run, self->work, self->argument);
    return NULL;
}

/* Do both; on two threads if `threads` allows. */
static void side_by_side(int threads, void (*first)(void *), void *first_argument, void (*second)(void *), void *second_argument)
{
    errand other = {.work = second, .argument = second_argument, .run = digits_current()};
    pthread_t worker;
    int started = threads > 1 && pthread_create(&worker, NULL, run_errand, &other) == 0;
    if (!started) {
        first(first_argument);
        second(second_argument);
        return;
    }
    /* The other thread works on our stack: we may not jump past it, so the first errand gets a way out of its own. */
    errand own = {.work = first, .argument = first_argument, .run = digits_current()};
    run_errand(&own);
    pthread_join(worker, NULL);
    if (own.status != 0 || other.status != 0)
        digits_give_up(own.status != 0 ? own.status : other.status);
}

typedef struct product {
    mpz_ptr to;
    mpz_srcptr a, b;
} product;

static void multiply(void *argument)
{
    product *self = argument;
    mpz_mul(self->to, self->a, self->b);
    digits_poll(0);
}

/* ---- the sum ---- */

typedef struct part {
    int64_t from, to; /* terms */
    int threads;
    int wants_p; /* the last part's is never used */
    mpz_t p, q, t;
} part;

static void sum(void *argument);

/* One after another, with numbers that stay short. */
static void sum_narrow(part *self)
{
    mpz_t term;
    mpz_init2(term, NARROW_BITS);
    mpz_init2(self->p, NARROW_BITS);
    mpz_init2(self->q, NARROW_BITS);
    mpz_init2(self->t, NARROW_BITS);
    mpz_set_ui(self->p, 1);
    mpz_set_ui(self->q, 1);
    mpz_set_ui(self->t, 0);
    for (int64_t k = self->from; k < self->to; k++) {
        unsigned long n = (unsigned long)k;
        /* T(a, k+1) = T(a, k) Q(k, k+1) + P(a, k+1) (A + B k);  Q(k, k+1) = k³ 640320³ / 24 */
        mpz_mul_ui(self->t, self->t, n * n);
        mpz_mul_ui(self->t, self->t, n);
        mpz_mul_ui(self->t, self->t, 10939058860032000UL);
        mpz_mul_ui(self->q, self->q, n * n);
        mpz_mul_ui(self->q, self->q, n);
        mpz_mul_ui(self->q, self->q, 10939058860032000UL);
        mpz_mul_ui(self->p, self->p, (6 * n - 5) * (2 * n - 1));
        mpz_mul_ui(self->p, self->p, 6 * n - 1);
        mpz_mul_ui(term, self->p, 13591409UL + 545140134UL * n);
        if (n % 2 == 0)
            mpz_add(self->t, self->t, term);
        else
            mpz_sub(self->t, self->t, term);
    }
    mpz_clear(term);
    digits_poll(self->to - self->from);
}

/* P = P1 P2, Q = Q1 Q2, T = T1 Q2 + P1 T2 */
static void join(part *self, part *left, part *right)
{
    mpz_t other;
    mpz_init(other);
    product left_t = {self->t, left->t, right->q}, right_t = {other, left->p, right->t};
    product both_q = {self->q, left->q, right->q}, both_p = {self->p, left->p, right->p};
    side_by_side(self->threads, multiply, &left_t, multiply, &right_t);
    mpz_clear(left->t);
    mpz_clear(right->t);
    mpz_add(self->t, self->t, other);
    mpz_clear(other);
    if (self->wants_p)
        side_by_side(self->threads, multiply, &both_q, multiply, &both_p);
    else
        multiply(&both_q);
    mpz_clears(left->p, left->q, right->p, right->q, NULL);
}

static void sum(void *argument)
{
    part *self = argument;
    if (self->to - self->from <= NARROW_TERMS) {
        sum_narrow(self);
        return;
    }
    mpz_inits(self->p, self->q, self->t, NULL);
    int64_t middle = self->from + (self->to - self->from) / 2;
    int half = self->threads / 2;
    part left = {.from = self->from, .to = middle, .threads = self->threads - half, .wants_p = 1};
    part right = {.from = middle, .to = self->to, .threads = half > 0 ? half : 1, .wants_p = self->wants_p};
    side_by_side(self->threads, sum, &left, sum, &right);
    join(self, &left, &right);
    digits_poll(self->to - self->from);
}

/* ---- the number ---- */

typedef struct number {
    int64_t bits; /* after the binary point */
    part sum;
    mpz_t root, quotient;
} number;

static void take_root(void *argument)
{
    number *self = argument;
    mpz_init_set_ui(self->root, 10005);
    mpz_mul_2exp(self->root, self->root, 2 * (mp_bitcnt_t)self->bits);
    mpz_sqrt(self->root, self->root);
    digits_poll(0);
}

static void divide(void *argument)
{
    number *self = argument;
    mpz_init(self->quotient);
    mpz_mul_ui(self->quotient, self->sum.q, 426880);
    mpz_mul_2exp(self->quotient, self->quotient, (mp_bitcnt_t)self->bits);
    mpz_tdiv_q(self->quotient, self->quotient, self->sum.t);
    mpz_clears(self->sum.q, self->sum.t, NULL);
    digits_poll(0);
}

/* ---- decimal ---- */

typedef struct conversion {
    mpz_ptr fraction; /* of `bits` bits: the digits are those of fraction / 2^bits, of which it is used up */
    int64_t bits;
    int64_t digits;
    char *text; /* room for them */
    int threads;
    mpz_t *powers; /* powers[0] is 5^(half the digits), powers[-1] that of a quarter, and so on */
} conversion;

/* GMP's conversion, of an integer with leading zeros. */
static void convert_narrow(conversion *self)
{
    char written[NARROW_DIGITS * 2 + 8];
    mpz_t scaled;
    mpz_init(scaled);
    mpz_ui_pow_ui(scaled, 10, (unsigned long)self->digits);
    mpz_mul(scaled, scaled, self->fraction);
    mpz_fdiv_q_2exp(scaled, scaled, (mp_bitcnt_t)self->bits);
    mpz_get_str(written, 10, scaled);
    size_t length = strlen(written);
    memset(self->text, '0', (size_t)self->digits - length);
    memcpy(self->text + self->digits - length, written, length);
    mpz_clear(scaled);
    mpz_clear(self->fraction);
    digits_poll(self->digits);
}

/* The first digits need only the fraction's first bits; the others are the fraction of fraction × 10^(how many the first are). */
static void convert(void *argument)
{
    conversion *self = argument;
    if (self->digits <= NARROW_DIGITS) {
        convert_narrow(self);
        return;
    }
    int64_t half = self->digits / 2; /* the number of digits is a power of two times one that is narrow */
    int64_t half_bits = (int64_t)((double)half * BITS_PER_DIGIT) + GUARD_BITS;
    int64_t point = self->bits - half; /* 10^half is 5^half, and the point moved by half bits */
    mpz_t first, rest;
    mpz_inits(first, rest, NULL);
    mpz_mul(rest, self->fraction, self->powers[0]);
    mpz_fdiv_q_2exp(first, self->fraction, (mp_bitcnt_t)(self->bits - half_bits));
    mpz_clear(self->fraction);
    mpz_fdiv_r_2exp(rest, rest, (mp_bitcnt_t)point);
    mpz_fdiv_q_2exp(rest, rest, (mp_bitcnt_t)(point - half_bits));
    int others = self->threads / 2;
    conversion left = {first, half_bits, half, self->text, self->threads - others, self->powers - 1};
    conversion right = {rest, half_bits, half, self->text + half, others > 0 ? others : 1, self->powers - 1};
    side_by_side(self->threads, convert, &left, convert, &right);
}

/* ---- all of it ---- */

typedef struct plan {
    int64_t digits; /* as many as are converted: those wanted, and a few */
    int halvings;
} plan;

static plan plan_of(int64_t digits)
{
    plan made = {.digits = digits + 8};
    while (made.digits > NARROW_DIGITS) {
        made.digits = (made.digits + 1) / 2;
        made.halvings++;
    }
    made.digits <<= made.halvings;
    return made;
}

static void compute(void *argument)
{
    digits_run *run = argument;
    plan to_do = plan_of(run->digits);
    number pi = {.bits = (int64_t)((double)to_do.digits * BITS_PER_DIGIT) + 2 * GUARD_BITS};
    pi.sum = (part){.from = 1, .to = (int64_t)((double)to_do.digits / DIGITS_PER_TERM) + 12, .threads = run->threads};
    sum(&pi.sum);
    /* The sum began with term 1; term 0 is 13591409 / 1. */
    mpz_addmul_ui(pi.sum.t, pi.sum.q, 13591409);
    side_by_side(run->threads, divide, &pi, take_root, &pi);
    mpz_t fraction, powers[MOST_HALVINGS];
    mpz_init(fraction);
    mpz_mul(fraction, pi.root, pi.quotient);
    mpz_clears(pi.root, pi.quotient, NULL);
    mpz_fdiv_q_2exp(fraction, fraction, (mp_bitcnt_t)pi.bits);
    mpz_fdiv_r_2exp(fraction, fraction, (mp_bitcnt_t)pi.bits);
    digits_poll(run->digits / 4);
    for (int level = 0; level < to_do.halvings; level++) {
        mpz_init(powers[level]);
        if (level == 0)
            mpz_ui_pow_ui(powers[0], 5, (unsigned long)(to_do.digits >> to_do.halvings));
        else
            mpz_mul(powers[level], powers[level - 1], powers[level - 1]);
    }
    char *text = malloc((size_t)to_do.digits + 3);
    if (text == NULL)
        digits_give_up(TELPHER_NO_MEMORY);
    run->result.bytes = text; /* freed with the result, whatever happens */
    run->result.bytes_size = (size_t)run->digits + 2;
    memcpy(text, "3.", 2);
    conversion whole = {fraction, pi.bits, to_do.digits, text + 2, run->threads, powers + to_do.halvings - 1};
    convert(&whole);
}

static void *run_on_threads(void *argument)
{
    digits_run *run = argument;
    int status = digits_enter(run, compute, run);
    pthread_mutex_lock(&run->mutex);
    if (status != 0)
        run->stop = status;
    run->has_ended = 1;
    int is_abandoned = run->is_abandoned;
    pthread_cond_signal(&run->ended);
    pthread_mutex_unlock(&run->mutex);
    if (is_abandoned)
        digits_run_free(run);
    return NULL;
}

int digits_kernel(const int64_t *arguments, telpher_result *result, telpher_control *control)
{
    int64_t digits = arguments[0], threads = arguments[1];
    if (digits < 1 || digits > 1000000000 || threads < 1 || threads > DIGITS_MOST_THREADS)
        return TELPHER_BAD_ARGUMENT;
    digits_run *run = digits_run_new(digits, (int)threads);
    pthread_t first;
    pthread_attr_t detached;
    if (run == NULL)
        return TELPHER_NO_MEMORY;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    int error = pthread_create(&first, &detached, run_on_threads, run);
    pthread_attr_destroy(&detached);
    if (error != 0) {
        digits_run_free(run);
        return TELPHER_NO_MEMORY;
    }
    pthread_mutex_lock(&run->mutex);
    while (!run->has_ended && !telpher_poll(control, __atomic_load_n(&run->done, __ATOMIC_RELAXED))) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WATCH_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        pthread_cond_timedwait(&run->ended, &run->mutex, &until);
    }
    int has_ended = run->has_ended, status = TELPHER_CANCELLED;
    if (has_ended) {
        telpher_poll(control, __atomic_load_n(&run->done, __ATOMIC_RELAXED));
        status = run->stop;
        *result = run->result;
        memset(&run->result, 0, sizeof run->result);
    } else {
        run->is_abandoned = 1;
        __atomic_store_n(&run->stop, TELPHER_CANCELLED, __ATOMIC_RELAXED);
    }
    pthread_mutex_unlock(&run->mutex);
    if (has_ended)
        digits_run_free(run);
    return status;
}
