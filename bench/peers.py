"""The virtual environment with the peers."""
import os
import subprocess
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parent / "venv"
PACKAGES = ["torch==2.11.0", "sae-lens==6.54.12", "eai-sparsify==1.3.3", "dictionary-learning==0.1.0", "goatools==1.6.7", "zstandard"]


def in_venv():
    """Runs the script again under that environment, which is made once."""
    python = VENV / "bin" / "python"
    if not (VENV / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *PACKAGES], check=True)
        (VENV / "ready").touch()
    if Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(python, [str(python), *sys.argv])
