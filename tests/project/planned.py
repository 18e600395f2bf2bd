"""
What documents and workflows name ahead of the changes that bring it.

What exists may not stand here: a change that brings something removes its line.
"""

from typing import Final

TARGETS: Final = frozenset({"attack", "test-all", "test-lowest", "test-slow"})
PATHS: Final = frozenset(
    {
        "service/api/",
        "service/api/audit_log.py",
        "service/api/handlers/",
        "service/api/http_errors.py",
        "service/api/middlewares/identity.py",
        "service/api/openapi/components.py",
        "service/api/problem_details.py",
        "service/api/routes.py",
        "service/api/schemas/",
        "service/api/schemas/profile_fields/",
        "service/api/schemas/profiles.py",
        "service/authentication/",
        "service/authentication/sources.py",
        "service/cognito/",
        "service/cognito/errors.py",
        "service/config/fields.py",
        "service/config/schema.py",
        "service/config/settings.py",
        "service/profile_store/",
        "service/profile_store/errors.py",
        "service/rate_limiting/rate_limiter.py",
        "service/server/",
        "service/server/request_validation.py",
        "tests_slow/corpus/test_corpus.py",
        "tests_slow/faults/test_certificates.py",
        "tests_slow/faults/test_large_answers.py",
        "tests_slow/faults/test_slow_clients.py",
        "tests_slow/race/test_processes.py",
        "tests_slow/register/test_register.py",
    }
)
