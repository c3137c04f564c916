"""What most people would write: a FastAPI route that calls SetFit. Runs in the peers' environment.

python -m benchmarks.peers.setfit_server train ROWS.json FOLDER
python -m benchmarks.peers.setfit_server serve FOLDER PORT
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks.peers.theirs import OFFLINE, SetFitHead


def train(rows: Path, folder: Path) -> None:
    texts, intents = zip(*json.loads(rows.read_text(encoding="utf-8")), strict=True)
    contender = SetFitHead()
    contender.train(texts, intents)
    contender.model.save_pretrained(str(folder))


def serve(folder: Path, port: int) -> None:
    import uvicorn
    from fastapi import Body, FastAPI
    from setfit import SetFitModel

    model = SetFitModel.from_pretrained(str(folder))
    app = FastAPI()

    @app.get("/readyz")
    def ready() -> dict[str, str]:
        return {"status": "ready"}

    @app.post("/predict")
    def predict(text: str = Body(embed=True)) -> dict[str, Any]:
        # Not `async def`: SetFit blocks, and FastAPI runs plain functions in its pool of threads.
        return {"intent": str(model.predict([text], show_progress_bar=False)[0])}

    uvicorn.run(app, host="127.0.0.1", port=port, workers=1, log_level="warning", access_log=False)


def main() -> None:
    os.environ.update(OFFLINE)
    match sys.argv[1:]:
        case ["train", rows, folder]:
            train(Path(rows), Path(folder))
        case ["serve", folder, port]:
            serve(Path(folder), int(port))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
