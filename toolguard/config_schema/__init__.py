"""What may stand in toolguard.yaml: pydantic models, from which the JSON Schemas are made.

The border, and nothing else: config_file.py turns what passed here into the values of config.py and of `core.policy`.
Unknown keys and combinations without a meaning are errors.
"""
