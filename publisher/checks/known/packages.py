"""Import names of packages that a reader can install by the name that everybody knows. Not whole; unknown = a warning."""

from __future__ import annotations

import sys

_PACKAGES = """
 PIL absl accelerate adapters aiohttp albumentations allennlp altair anthropic apex argilla arxiv asteroid asyncpg
 attention_sinks attrs audiocraft audioread auto_gptq autoawq autogen autotrain av awq axolotl azure bark base58 bert_score
 bertopic bitsandbytes bitblas bm25s boto3 bs4 cairosvg catboost causal_conv1d certifi charset_normalizer chromadb clearml
 click clip codecarbon cohere coloredlogs colorama comet comet_ml compressed_tensors confection conllu controlnet_aux
 coremltools coqui cryptography ctransformers ctranslate2 cupy cv2 cython dask datasets dateutil decord deep_gemm deepspeed detectron2
 dgl diffusers dill docling docx dotenv dspy easyocr editdistance einops elasticsearch emoji espnet espnet2
 espnet_model_zoo eva evaluate exllamav2 facenet_pytorch fairseq fairseq2 faiss fairscale fastai fastapi fastchat fasttext faster_whisper
 feedparser ffmpeg fire flair flash_attn flashinfer flask flax fla fsspec ftfy fugashi funasr gdown generate geopandas gensim
 gguf gguf_connector gliner google googletrans gpt4all gptqmodel gradio gradio_client graphviz gritlm groq grpc guidance gym
 gymnasium h5py haystack hf_transfer hivemind hqq httpx huggingface_hub huggingface_sb3 hydra imageio imagebind
 indic_transliteration instructor intel_extension_for_pytorch intel_extension_for_transformers ipywidgets IPython jax jaxlib jaxtyping jieba
 jiwer joblib jsonlines jsonschema jupyter kagglehub kaldi_native_fbank keras keras_cv keras_hub keras_nlp kernels kokoro konlpy kornia
 langchain langchain_community langchain_core langchain_huggingface langchain_ollama langchain_openai langdetect langgraph langid
 latex2sympy2 lavis liger_kernel librosa lightgbm lightning litellm litgpt lit_gpt llama_cpp llama_index llm2vec lm_eval lmdeploy loguru lxml
 lmql mamba_ssm marisa_trie markdown math_verify matplotlib mecab MeCab megatron mergekit milvus_model minicpmo mistral_common mistral_inference
 mlc_llm mlflow mlx mlx_lm mlx_vlm mlx_whisper modelscope monai mosaicml mteb multiprocess musdb nemo networkx nibabel nltk ogb
 numba numpy nvidia nvitop ollama omegaconf onnx onnxruntime onnxruntime_genai onnxsim open_clip openai openai_harmony opencc openpyxl openvino
 openvino_genai optimum opacus orjson outlines packaging paddle paddleocr paddlenlp pandas panns_inference parler_tts pathos patsy peft pinecone
 pkuseg playwright plotly polars prettytable prophet protobuf psutil psycopg2 pyannote pyarrow pyctcdecode pydantic pydicom pydub pygments
 pykakasi pylate pymilvus pypdf PyPDF2 pyro pyserini pysbd pythainlp pytesseract pytest pytorch_lightning pytorch_wavelets pytz pyvi qdrant_client
 qwen_agent qwen_omni_utils qwen_vl_utils rank_bm25 rapidfuzz ray rdkit redis regex requests requests_toolbelt rembg resampy rich rnnoise roboflow
 rouge rouge_score ruamel s3prl sacrebleu sacremoses safetensors sam2 scanpy scann scipy seaborn segment_anything selenium
 sentence_transformers sentencepiece seqeval setfit sgl_kernel sglang shap shapely silero_vad simpletransformers skimage sklearn skops smolagents
 snac sounddevice soundfile spaces spacy spacy_transformers span_marker speechbrain speech_recognition sqlalchemy stable_baselines3 stanza
 starlette statsmodels streamlit streaming sumy supervision sympy tabulate taming tenacity tensorboard tensorflow tensorflow_datasets tensorflow_hub
 tensorflow_io tensorflow_text tensorrt tensorrt_llm termcolor text_generation textattack textblob textstat thop tf_keras tiktoken timm tner tokenizers
 toml torch torch_geometric torch_xla torchao torchaudio torchcodec torchcrf torchdiffeq torcheval torchmetrics torchmultimodal torchtext torchtune
 torchtyping torchvision tqdm trafilatura transformer_lens transformers transformers_interpret transliterate tree_sitter triton trl truecase
 typer typing_extensions ujson ultralytics umap unbabel_comet unidecode unidic unsloth unsloth_zoo urlextract uroman vector_quantize_pytorch vllm vocos wandb
 weaviate webdataset websocket websockets whisper whisperx wordcloud xarray xformers xgboost xlrd yaml youtokentome yt_dlp yolov5 yolov8 zarr zhconv zstandard
"""
KNOWN = frozenset(_PACKAGES.split()) | sys.stdlib_module_names


def is_known(name: str) -> bool:
    """Whether a top-level import name belongs to the standard library or to a well-known package."""
    return name in KNOWN
