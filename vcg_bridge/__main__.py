"""`python -m vcg_bridge` is `vcg`."""

from vcg_bridge.cli.main import main

main()
