/* SPDX-License-Identifier: Apache-2.0 */
#include "../check.h"

#include "base/mem.h"
#include "registry/aws.h"
#include "registry/aws_profile.h"
#include "registry/aws_sts.h"
#include "registry/aws_xml.h"
#include "registry/ecr.h"

static void reads_one_element(void **state)
{
    static const struct {
        const char *document, *text; /* NULL: refused */
    } rows[] = {
        {"<a><b>x</b></a>", "x"},
        {"<?xml version=\"1.0\"?>\n<a xmlns=\"https://e\"><b k='v' >x</b></a>\n", "x"},
        {"<a><c><b>no</b></c><b>&lt;&amp;&gt;&quot;&apos;</b></a>", "<&>\"'"},
        {"<a><b>first</b><b>second</b></a>", "first"},
        {"<a><b/></a>", ""},
        {"<a><b>x<c>y</c>z</b></a>", "xz"},
        {"<a>", NULL},
        {"<a><b>x</a></b>", NULL},
        {"<a><b>x</b></a><a/>", NULL},
        {"<a><b>x</b></a>text", NULL},
        {"<!DOCTYPE a [<!ENTITY e \"x\">]><a><b>&e;</b></a>", NULL},
        {"<a><b>&e;</b></a>", NULL},
        {"<a><b>&#65;</b></a>", NULL},
        {"<a><!-- no --><b>x</b></a>", NULL},
        {"<a><![CDATA[x]]></a>", NULL},
        {"<a b=x></a>", NULL},
        {"<a b=\"x></a>", NULL},
        {"", NULL},
        {"text", NULL},
        {"{\"a\":1}", NULL},
        {"<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(mem_free) char *text = NULL;
        bool good = aws_xml_text(&text, rows[i].document, strlen(rows[i].document), "a/b");
        if (good != (rows[i].text != NULL))
            print_error("%s\n", rows[i].document);
        assert_int_equal(good, rows[i].text != NULL);
        if (rows[i].text)
            assert_string_equal(text, rows[i].text);
        else
            assert_null(text);
    }
}

/* The example of AWS's documentation of AssumeRoleWithWebIdentity. */
static void reads_what_sts_answers(void **state)
{
    static const char answer[] =
        "<AssumeRoleWithWebIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n"
        "  <AssumeRoleWithWebIdentityResult>\n"
        "    <SubjectFromWebIdentityToken>amzn1.account.AF6RHO7KZU5XRVQJGXK6HB56KR2A</"
        "SubjectFromWebIdentityToken>\n"
        "    <Audience>client.5498841531868486423.1548@apps.example.com</Audience>\n"
        "    <AssumedRoleUser>\n"
        "      <Arn>arn:aws:sts::123456789012:assumed-role/FederatedWebIdentityRole/app1</Arn>\n"
        "      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:app1</AssumedRoleId>\n"
        "    </AssumedRoleUser>\n"
        "    <Credentials>\n"
        "      <SessionToken>AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE</SessionToken>\n"
        "      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>\n"
        "      <Expiration>2014-10-24T23:00:23Z</Expiration>\n"
        "      <AccessKeyId>ASgeIAIOSFODNN7EXAMPLE</AccessKeyId>\n"
        "    </Credentials>\n"
        "    <Provider>www.amazon.com</Provider>\n"
        "  </AssumeRoleWithWebIdentityResult>\n"
        "  <ResponseMetadata>\n"
        "    <RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId>\n"
        "  </ResponseMetadata>\n"
        "</AssumeRoleWithWebIdentityResponse>\n";
    AUTO_VALUE(aws_keys_wipe) struct aws_keys keys = {0};
    (void)state;
    check_ok(aws_sts_parse(&keys, answer, sizeof answer - 1, "AssumeRoleWithWebIdentity", "POST u"));
    assert_string_equal(keys.id, "ASgeIAIOSFODNN7EXAMPLE");
    assert_string_equal(keys.secret, "wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY");
    assert_string_equal(keys.token, "AQoDYXdzEE0a8ANXXXXXXXXNO1ewxE5TijQyp+IEXAMPLE");
    aws_keys_wipe(&keys);
    check_error(aws_sts_parse(&keys, answer, sizeof answer - 1, "AssumeRole", "POST u"), ERR_INPUT,
                "holds no keys");
    check_error(aws_sts_parse(&keys, answer, sizeof answer - 50, "AssumeRoleWithWebIdentity", "POST u"),
                ERR_INPUT, "holds no keys");
}

static void knows_hosts_of_ecr(void **state)
{
    static const struct {
        const char *host, *region, *api; /* NULL: another's */
    } rows[] = {
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com", "eu-west-1", "api.ecr.eu-west-1.amazonaws.com"},
        {"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1",
         "api.ecr.cn-north-1.amazonaws.com.cn"},
        {"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1",
         "ecr-fips.us-gov-west-1.amazonaws.com"},
        {"123456789012.dkr-ecr.eu-west-1.on.aws", "eu-west-1", "ecr.eu-west-1.api.aws"},
        {"123456789012.dkr-ecr-fips.us-east-1.on.aws", "us-east-1", "ecr-fips.us-east-1.api.aws"},
        {"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1",
         "ecr.cn-north-1.api.amazonwebservices.com.cn"},
        {"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1",
         "api.ecr.eusc-de-east-1.amazonaws.eu"},
        {"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1",
         "api.ecr.us-iso-east-1.c2s.ic.gov"},
        {"public.ecr.aws", "us-east-1", "api.ecr-public.us-east-1.amazonaws.com"},
        {"12345678901.dkr.ecr.eu-west-1.amazonaws.com", NULL, NULL},
        {"1234567890123.dkr.ecr.eu-west-1.amazonaws.com", NULL, NULL},
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.org", NULL, NULL},
        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com:443", NULL, NULL},
        {"123456789012.dkr.ecr.evil.org", NULL, NULL},
        {"123456789012.dkr.ecr..amazonaws.com", NULL, NULL},
        {"123456789012.dkr.ecr.a_b.amazonaws.com", NULL, NULL},
        {"x.123456789012.dkr.ecr.eu-west-1.amazonaws.com", NULL, NULL},
        {"public.ecr.aws.evil.org", NULL, NULL},
        {"docker.io", NULL, NULL},
        {"", NULL, NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(ecr_host_wipe) struct ecr_host h = {0};
        assert_int_equal(ecr_host_parse(&h, rows[i].host), rows[i].region != NULL);
        if (!rows[i].region)
            continue;
        assert_string_equal(h.region, rows[i].region);
        assert_string_equal(h.api, rows[i].api);
        assert_int_equal(h.open, strcmp(rows[i].host, "public.ecr.aws") == 0);
    }
}

static json_t *json_of(const char *text)
{
    json_t *j = NULL;
    check_ok(json_parse(&j, text, strlen(text), "test"));
    return j;
}

static void reads_what_ecr_answers(void **state)
{
    static const struct {
        const char *answer;
        const char *password; /* NULL: refused */
        int64_t end;
    } rows[] = {
        {"{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnB3OngK\",\"expiresAt\":1448878779.809,"
         "\"proxyEndpoint\":\"https://012345678910.dkr.ecr.us-east-1.amazonaws.com\"}]}",
         "pw:x\n", 1448878779},
        {"{\"authorizationData\":{\"authorizationToken\":\"QVdTOnB3\",\"expiresAt\":1.5}}", "pw", 1},
        {"{\"authorizationData\":{\"authorizationToken\":\"QVdTOnB3\"}}", "pw", 0},
        {"{\"authorizationData\":{\"authorizationToken\":\"QVdTOnB3\",\"expiresAt\":1e99}}", "pw", 0},
        {"{\"authorizationData\":{\"authorizationToken\":\"QVdT\"}}", NULL, 0},     /* no colon */
        {"{\"authorizationData\":{\"authorizationToken\":\"QVdTOg==\"}}", NULL, 0}, /* nothing behind it */
        {"{\"authorizationData\":{\"authorizationToken\":\"QVdTOgBw\"}}", NULL, 0}, /* a NUL */
        {"{\"authorizationData\":{\"authorizationToken\":\"***\"}}", NULL, 0},
        {"{\"authorizationData\":{\"authorizationToken\":5}}", NULL, 0},
        {"{\"authorizationData\":[]}", NULL, 0},
        {"{\"authorizationData\":\"x\"}", NULL, 0},
        {"{}", NULL, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO(json_decref) json_t *answer = json_of(rows[i].answer);
        AUTO_VALUE(creds_wipe) struct creds c = {0};
        int64_t end = -1;
        struct err *e = ecr_parse(&c, &end, answer, "POST u");
        if (!rows[i].password) {
            assert_non_null(e);
            assert_int_equal(err_kind_of(e), ERR_INPUT);
            err_free(e);
            continue;
        }
        check_ok(e);
        assert_string_equal(c.username, "AWS");
        assert_string_equal(c.password, rows[i].password);
        assert_int_equal(end, rows[i].end);
    }
}

static void reads_profiles(void **state)
{
    static const char config[] = "; comment\n"
                                 "[default]\n"
                                 "region = eu-west-1 # here\n"
                                 "aws_access_key_id=AK#ID\n"
                                 "s3 =\n"
                                 "  region = nested\n"
                                 "[profile dev]   # mine\n"
                                 "Region=us-east-2\r\n"
                                 "role_arn = arn:aws:iam::123456789012:role/a=b\n"
                                 "[ profile\tspaced ]\n"
                                 "region = ap-south-1\n"
                                 "[dev]\n"
                                 "region = not-a-profile-here\n"
                                 "[sso-session my]\n"
                                 "region = other\n";
    static const struct {
        const char *name;
        bool config, found;
        const char *key, *value;
    } rows[] = {
        {"default", true, true, "region", "eu-west-1"},
        {"default", true, true, "aws_access_key_id", "AK#ID"},
        {"default", true, true, "s3", NULL},
        {"dev", true, true, "region", "us-east-2"},
        {"dev", true, true, "role_arn", "arn:aws:iam::123456789012:role/a=b"},
        {"spaced", true, true, "region", "ap-south-1"},
        {"my", true, false, "region", NULL},
        {"sso-session my", true, false, "region", NULL},
        {"dev", false, true, "region", "not-a-profile-here"},
        {"none", false, false, "region", NULL},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        AUTO_VALUE(aws_profile_wipe) struct strmap settings = {0};
        bool found = false;
        aws_profile_parse(&settings, config, rows[i].name, rows[i].config, &found);
        assert_int_equal(found, rows[i].found);
        const char *value = strmap_get(&settings, rows[i].key);
        if (rows[i].value)
            assert_string_equal(value, rows[i].value);
        else
            assert_null(value);
    }
}

static void knows_partitions(void **state)
{
    (void)state;
    assert_string_equal(aws_suffix("eu-west-1"), "amazonaws.com");
    assert_string_equal(aws_suffix("us-gov-east-1"), "amazonaws.com");
    assert_string_equal(aws_suffix("cn-north-1"), "amazonaws.com.cn");
    assert_string_equal(aws_suffix("us-isob-east-1"), "sc2s.sgov.gov");
    assert_true(aws_region_valid("eu-west-1"));
    assert_false(aws_region_valid(""));
    assert_false(aws_region_valid("evil.org/"));
    assert_false(aws_region_valid("a.b"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_one_element),  cmocka_unit_test(reads_what_sts_answers),
        cmocka_unit_test(knows_hosts_of_ecr), cmocka_unit_test(reads_what_ecr_answers),
        cmocka_unit_test(reads_profiles),     cmocka_unit_test(knows_partitions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
