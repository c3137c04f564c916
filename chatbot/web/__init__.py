"""The web floor: REST API, health checks and the customer's page in one FastAPI application, behind one guard."""
