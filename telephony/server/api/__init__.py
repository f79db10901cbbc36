"""`/api/v1`: what other programs can see of calls, and have done.

`service` guards and answers, `document` describes all of it as OpenAPI; both follow from the routes that `orders`,
`calls`, `live` and `standing` give, so that no route is without a scope and none without a description.
"""
